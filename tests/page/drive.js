// drive.js: a browser's page as a servant of test_page.py: a line of JSON each way.
//   {"call": "click", "with": ["#log"]}  ->  {"got": ...} or {"failed": "..."}
// Calls are those of a Playwright Page; "keyboard.press" and the like reach into it. What the page said on its
// console, and what it asked for, is kept for "said" and "asked".
'use strict';

const readline = require('node:readline');
const { chromium } = require(process.argv[2]);

const LIMIT_MS = 20000;

const main = async () => {
  const options = JSON.parse(process.argv[4]);
  const browser = await chromium.launch({ executablePath: process.argv[3], args: ['--no-sandbox', '--disable-gpu'] });
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const said = [];
  const asked = [];
  page.setDefaultTimeout(LIMIT_MS);
  page.on('console', (m) => said.push(m.text()));
  page.on('pageerror', (e) => said.push(String(e)));
  page.on('request', (r) => asked.push(r.url()));
  const own = { said: () => said, asked: () => asked };
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const order = JSON.parse(line);
    let answer;
    try {
      const path = order.call.split('.');
      const name = path.pop();
      const on = path.reduce((o, part) => o[part], page);
      const got = own[name] && on === page ? own[name]() : await on[name](...order.with);
      answer = { got: ['string', 'number', 'boolean'].includes(typeof got) || Array.isArray(got) ? got : null };
    } catch (e) {
      answer = { failed: String(e) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
  await browser.close();
};

main().catch((e) => {
  process.stdout.write(`${JSON.stringify({ failed: String(e) })}\n`);
  process.exit(1);
});
