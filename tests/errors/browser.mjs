// A browser with the guide's snippet in it, as far as jsdom is one: calls the shop, and reports an error.
// node browser.mjs SNIPPET DSN SHOP, with NODE_PATH's packages beside the snippet.
import { JSDOM } from 'jsdom';

const [snippet, shop] = process.argv.slice(2);
const dom = new JSDOM('<!doctype html><title>shop</title>', { url: `${shop}/orders`, pretendToBeVisual: true });
for (const name of Object.getOwnPropertyNames(dom.window)) {
  if (!(name in globalThis)) globalThis[name] = dom.window[name];
}
for (const name of ['addEventListener', 'removeEventListener', 'dispatchEvent']) {
  globalThis[name] = dom.window[name].bind(dom.window);
}
await import(snippet);
const { captureException, flush } = await import('@sentry/browser');
await fetch(`${shop}/fail`);
captureException(new Error('checkout failed'));
await flush(5000);
process.exit(0);
