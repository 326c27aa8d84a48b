"""A mail server for the measurement that kills things: writes down whose mail it has, wholly, before it says so. Its arguments: a port and a file."""

import asyncio
import os
import sys
from functools import partial

LOOK = float(os.environ.get("BENCH_LOOK", "0.004"))  # seconds
EHLO = b"250-sink.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n"


async def talk(file: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    recipient = b""
    try:
        writer.write(b"220 sink.example\r\n")
        while command := await reader.readline():
            word = command[:4].upper()
            if word == b"EHLO":
                writer.write(EHLO)
            elif word == b"RCPT":
                recipient = command.partition(b"<")[2].partition(b">")[0]
                writer.write(b"250 OK\r\n")
            elif word == b"DATA":
                writer.write(b"354 Go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
                os.write(file, recipient + b"\n")
                await asyncio.sleep(LOOK)  # a server that looks at the mail
                writer.write(b"250 OK\r\n")
            elif word == b"QUIT":
                break
            else:
                writer.write(b"250 OK\r\n")
        writer.close()
    except (OSError, asyncio.IncompleteReadError):
        pass


async def main(port: int, file: int) -> None:
    server = await asyncio.start_server(partial(talk, file), "127.0.0.1", port, limit=1 << 20, backlog=256)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND)))
