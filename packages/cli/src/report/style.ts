/** How a report looks: readable on a phone, and on paper. */

export const style = `
:root { color-scheme: light; --ink: #1d1f23; --quiet: #5d636e; --line: #dfe2e7; --accent: #d55e00; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem 1rem 4rem; color: var(--ink); background: #fff; font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; border-top: 1px solid var(--line); padding-top: 1.25rem; }
p, figcaption { max-width: 44rem; }
.quiet, figcaption, footer { color: var(--quiet); font-size: .9rem; }
.headline { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem; margin: 1.25rem 0; padding: 0; list-style: none; }
.headline li { border: 1px solid var(--line); border-radius: .5rem; padding: .75rem; }
.headline b { display: block; font-size: 1.5rem; line-height: 1.2; }
.note { border-left: 4px solid var(--accent); padding: .25rem .75rem; margin: .75rem 0; background: #fff6ef; }
figure { margin: 1rem 0; }
figure svg { max-width: 100%; height: auto; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .75rem .3rem 0; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; white-space: normal; }
tr.chosen td { font-weight: 600; }
code { font-size: .9em; overflow-wrap: anywhere; }
.samples { display: grid; gap: 1.5rem; }
.sample { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: .5rem; break-inside: avoid; }
.sample img { width: 100%; height: auto; display: block; border-radius: .25rem; }
.sample figure { margin: 0; }
details { margin: .75rem 0; }
summary { cursor: pointer; }
pre { overflow-x: auto; font-size: .8rem; background: #f6f7f9; padding: .75rem; border-radius: .5rem; }
@media print { body { max-width: none; font-size: 11pt; } h2 { break-after: avoid; } figure, table, .sample { break-inside: avoid; } details { display: none; } }
`;
