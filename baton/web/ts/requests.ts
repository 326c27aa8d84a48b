/** What htmx says of a request in its events. */
export interface Context {
  sourceElement: HTMLElement;
  sourceEvent?: Event;
  target?: Element | string;
  request: { method: string; action: string; headers: Record<string, string>; body: FormData | URLSearchParams | null; submitter?: HTMLElement; abort?(): void; keepalive?: boolean };
  response?: { status: number };
  hx?: { redirect?: string; refresh?: string };
}

export const context = (e: Event) => (e as CustomEvent<{ ctx: Context }>).detail.ctx;

/** All that is sent, as words that can be compared; of files name and size. */
export const values = (body: FormData | URLSearchParams | null) =>
  JSON.stringify([...(body ?? [])].map(([name, value]) => [name, value instanceof File ? value.size && `${value.name} ${value.size} ${value.lastModified}` : value]));
