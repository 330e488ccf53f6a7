// Makes Node look like a page to TF.js, which picks its platform by `window.document`.
globalThis.window = globalThis;
globalThis.document = {};
