// The same as index_folder.py with OpenAI's SDK for Node, whose default is base64.
import OpenAI from "openai";

const CHUNKS = 2_000, BATCH = 100;
const client = new OpenAI({ baseURL: process.env.BASE_URL + "/v1", apiKey: process.env.API_KEY });
const model = process.env.MODEL;
const chunks = Array.from({ length: CHUNKS }, (_, n) => `chunk ${n} of file ${Math.floor(n / 40)}.rs: fn function_${n}() { ${n * n} }`);

const index = [];
let tokens = 0;
for (let start = 0; start < CHUNKS; start += BATCH) {
  const reply = await client.embeddings.create({ model, input: chunks.slice(start, start + BATCH) });
  reply.data.forEach((item, at) => { if (item.index !== at) throw new Error("not in order"); });
  index.push(...reply.data.map((item) => item.embedding));
  tokens += reply.usage.total_tokens;
}
if (index.length !== CHUNKS || new Set(index.map((vector) => vector.length)).size !== 1) throw new Error("vectors are missing");

const norm = (vector) => Math.sqrt(vector.reduce((sum, a) => sum + a * a, 0));
const similarity = (one, other) => one.reduce((sum, a, at) => sum + a * other[at], 0) / (norm(one) * norm(other));
for (const n of [0, 99, 100, 1_234, 1_999]) {
  const reply = await client.embeddings.create({ model, input: chunks[n] });
  const scores = index.map((vector) => similarity(reply.data[0].embedding, vector));
  const nearest = scores.indexOf(Math.max(...scores));
  if (nearest !== n) throw new Error(`chunk ${n} is found as ${nearest}`);
}
console.log(`${CHUNKS} chunks of ${index[0].length} dimensions indexed with ${tokens} tokens, and found again`);
