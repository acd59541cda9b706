// Anthropic's SDK for TypeScript: its helpers, against BASE_URL with API_KEY.
import assert from 'node:assert/strict';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import { betaZodTool } from '@anthropic-ai/sdk/helpers/beta/zod';
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod';
import { BetaLocalFilesystemMemoryTool } from '@anthropic-ai/sdk/tools/memory/node';
import { betaMemoryTool } from '@anthropic-ai/sdk/helpers/beta/memory';
import { z } from 'zod';

const model = 'claude-sonnet-4-5';
const client = new Anthropic({ baseURL: process.env.BASE_URL, apiKey: process.env.API_KEY, maxRetries: 0 });
const user = (content) => [{ role: 'user', content }];
const kinds = (message) => message.content.map((block) => block.type);

const cases = {
	async streamHelper() {
		let text = '';
		const stream = client.messages.stream({ model, max_tokens: 300, messages: user('hello') });
		stream.on('text', (delta) => (text += delta));
		const message = await stream.finalMessage();
		assert.equal(message.content.at(-1).text, text);
	},
	async thinking() {
		const thinking = { type: 'enabled', budget_tokens: 1024 };
		const stream = client.messages.stream({ model, max_tokens: 3000, thinking, messages: user('hello') });
		assert.deepEqual(kinds(await stream.finalMessage()), ['thinking', 'text']);
	},
	async toolRunner() {
		const tool = betaZodTool({
			name: 'get_weather',
			description: 'the weather',
			inputSchema: z.object({ city: z.string() }),
			run: async () => 'sunny',
		});
		const messages = user('use get_weather');
		const runner = client.beta.messages.toolRunner({ model, max_tokens: 500, tools: [tool], max_iterations: 3, messages });
		const reasons = [];
		for await (const message of runner) reasons.push(message.stop_reason);
		assert.deepEqual(reasons, ['tool_use', 'end_turn']);
	},
	async structuredOutput() {
		const output_config = { format: zodOutputFormat(z.object({ name: z.string() })) };
		const message = await client.messages.parse({ model, max_tokens: 500, messages: user('make one'), output_config });
		assert.equal(typeof message.parsed_output.name, 'string');
	},
	async pdfWithCitations() {
		const data = Buffer.from('%PDF-1.4\n%%EOF').toString('base64');
		const source = { type: 'base64', media_type: 'application/pdf', data };
		const document = { type: 'document', source, citations: { enabled: true } };
		const messages = user([document, { type: 'text', text: 'what?' }]);
		assert.deepEqual(kinds(await client.messages.create({ model, max_tokens: 300, messages })), ['text']);
	},
	async compaction() {
		const edits = [{ type: 'compact_20260112', trigger: { type: 'input_tokens', value: 50000 } }];
		const stream = client.beta.messages.stream({
			model: 'claude-opus-4-8',
			max_tokens: 300,
			betas: ['compact-2026-01-12'],
			context_management: { edits },
			messages: user('word '.repeat(220000)),
		});
		assert.equal(kinds(await stream.finalMessage())[0], 'compaction');
	},
	async memory() {
		const task = 'Create a file named /memories/notes.txt. Its entire content must be the single line MEMORY-5127.';
		for (const asked of [model, 'by-converse']) {
			const folder = await mkdtemp(join(tmpdir(), 'memory-'));
			const tools = [betaMemoryTool(await BetaLocalFilesystemMemoryTool.init(folder))];
			const messages = user(task);
			const runner = client.beta.messages.toolRunner({ model: asked, max_tokens: 600, tools, max_iterations: 4, messages });
			const reasons = [];
			for await (const message of runner) reasons.push(message.stop_reason);
			assert.deepEqual(reasons, ['tool_use', 'end_turn']);
			const notes = await readFile(join(folder, 'memories', 'notes.txt'), 'utf8');
			assert.equal(notes.trim(), 'MEMORY-5127');
		}
	},
	async webSearch() {
		const stream = client.messages.stream({
			model,
			max_tokens: 300,
			tools: [{ type: 'web_search_20250305', name: 'web_search' }],
			tool_choice: { type: 'tool', name: 'web_search' },
			messages: user('Perform a web search for the query: rust'),
		});
		assert.deepEqual(kinds(await stream.finalMessage()), ['server_tool_use', 'web_search_tool_result', 'text']);
	},
	async countTokens() {
		assert.ok((await client.messages.countTokens({ model, messages: user('hi') })).input_tokens > 0);
	},
};

let failed = 0;
for (const [name, run] of Object.entries(cases)) {
	try {
		await run();
		console.log('ok   typescript', name);
	} catch (error) {
		failed += 1;
		console.log('FAIL typescript', name, error.constructor.name, String(error.message).slice(0, 300));
	}
}
process.exit(failed ? 1 : 0);
