// The Node SDK's flows, run by test_node_sdk.py: prints what it saw as JSON.
import { Client } from "@hubspot/api-client";

const [basePath, accessToken] = process.argv.slice(2);
const client = new Client({ accessToken, basePath });
const seen = {};

const all = await client.crm.contacts.getAll(undefined, undefined, ["email"]);
seen.contacts = all.filter((one) => /^p\d+@/.test(one.properties.email)).map((one) => one.id);

const made = await client.crm.contacts.basicApi.create({ properties: { email: "node@sdk.example", firstname: "Node" }, associations: [] });
seen.made = made.properties.email;
seen.createdAt = made.createdAt instanceof Date;
try {
  await client.crm.contacts.basicApi.create({ properties: { email: "node@sdk.example" }, associations: [] });
} catch (error) {
  seen.taken = [error.code, Number(/Existing ID:\s*(\d+)/i.exec(error.body.message)[1]) === Number(made.id)];
}
seen.changed = (await client.crm.contacts.basicApi.update(made.id, { properties: { lastname: "Js" } })).properties.lastname;
seen.read = (await client.crm.contacts.basicApi.getById("node@sdk.example", ["lastname"], undefined, undefined, false, "email")).properties.lastname;

const found = await client.crm.companies.searchApi.doSearch({
  filterGroups: [{ filters: [{ propertyName: "domain", operator: "IN", values: ["c3.example", "c4.example"] }] }],
  sorts: ["domain"], properties: ["domain"], limit: 10, after: "0",
});
seen.companies = found.results.map((one) => one.properties.domain);
await client.crm.associations.v4.basicApi.createDefault("contact", made.id, "company", found.results[0].id);
const links = await client.crm.associations.v4.basicApi.getPage("contact", made.id, "company");
seen.linked = String(links.results[0].toObjectId) === found.results[0].id;

const batch = await client.crm.deals.batchApi.create({ inputs: [1, 2, 3].map((n) => ({ properties: { dealname: `Node ${n}`, amount: `${n}` }, associations: [] })) });
seen.deals = batch.results.map((one) => one.properties.dealstage);
const upserted = await client.crm.contacts.batchApi.upsert({ inputs: [{ id: "node@sdk.example", idProperty: "email", properties: { firstname: "U" } }] });
seen.upserted = upserted.results.map((one) => one._new);

seen.owners = (await client.crm.owners.ownersApi.getPage()).results.map((one) => one.email);
seen.stages = (await client.crm.pipelines.pipelinesApi.getById("tickets", "0")).stages.map((stage) => stage.id);
const property = await client.crm.properties.coreApi.create("deals", {
  name: "node_made", label: "Node", type: "string", fieldType: "text", groupName: "dealinformation",
});
seen.property = property.groupName;
await client.crm.properties.coreApi.archive("deals", "node_made");
await client.crm.deals.batchApi.archive({ inputs: batch.results.map(({ id }) => ({ id })) });
await client.crm.contacts.basicApi.archive(made.id);
try {
  await client.crm.contacts.basicApi.getById(made.id);
} catch (error) {
  seen.gone = error.code;
}
console.log(JSON.stringify(seen));
