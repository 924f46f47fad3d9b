/** The style of a published report: readable on a phone, in light and dark, and on paper. */
export const reportStyle = `
:root { color-scheme: light dark; --ink: #1c2430; --quiet: #5b6675; --paper: #fbfbf9; --card: #ffffff; --line: #dfe3e8;
  --accent: #0b6e6e; --soft: #e3f1f0; --warn: #8a5a00; --warn-soft: #fdf4e0; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ee; --quiet: #9aa5b4; --paper: #12161c; --card: #1a2028; --line: #2c3542; --accent: #5cc4bf;
    --soft: #17322f; --warn: #e8bd6a; --warn-soft: #2e2614; }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
header, main, footer { max-width: 62rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2.5rem; }
.kicker, .quiet, footer { color: var(--quiet); font-size: .875rem; }
.kicker { margin: 0; letter-spacing: .02em; }
h1 { margin: .25rem 0 1rem; font-size: clamp(1.5rem, 4.5vw, 2.25rem); line-height: 1.2; text-wrap: balance; }
h2 { margin: 0 0 .75rem; font-size: 1.125rem; line-height: 1.3; overflow-wrap: anywhere; }
p { margin: .5rem 0; overflow-wrap: anywhere; }
.summary { padding: 1rem 1.25rem; background: var(--soft); border-left: 4px solid var(--accent); border-radius: 0 .5rem .5rem 0; }
section { margin: 1.5rem 0; padding: 1.25rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem; }
ol, ul { margin: 0; padding-left: 1.4rem; }
li { margin: .5rem 0; overflow-wrap: anywhere; }
li::marker { color: var(--quiet); }
.ranked > li { padding-left: .25rem; }
.leading > p:first-child { font-weight: 600; }
.strength { display: flex; align-items: center; gap: .75rem; color: var(--quiet); font-size: .875rem; }
.bar { flex: 0 0 8rem; height: .5rem; background: var(--line); border-radius: .25rem; overflow: hidden; }
.bar > span { display: block; height: 100%; background: var(--accent); }
.cites { font-weight: 400; white-space: normal; }
.cites a { color: var(--accent); text-decoration: none; }
.cites a:hover, .cites a:focus-visible { text-decoration: underline; }
code { font: .8125em/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.cites code { padding: .1em .35em; background: var(--soft); border-radius: .25rem; }
.limits { color: var(--warn); }
.scroll { overflow-x: auto; margin: 0 -1.25rem; padding: 0 1.25rem; }
.scroll:focus-visible { outline: 2px solid var(--accent); }
table { width: 100%; border-collapse: collapse; font-size: .875rem; line-height: 1.45; }
th, td { padding: .45rem .75rem .45rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; min-width: 3.5rem; max-width: 28rem; overflow-wrap: anywhere; }
td:not(.number, .unbroken) { min-width: 10rem; }
th { color: var(--quiet); font-weight: 600; vertical-align: bottom; overflow-wrap: normal; }
.unbroken { white-space: nowrap; }
tbody tr:last-child td { border-bottom: 0; }
.number { text-align: right; font-variant-numeric: tabular-nums; padding-right: 1.5rem; }
blockquote { margin: 0 0 .5rem; padding-left: 1rem; border-left: 3px solid var(--line); }
article + article { margin-top: 1.25rem; }
.evidence { list-style: none; padding: 0; }
.evidence li { display: flex; flex-wrap: wrap; gap: .15rem .75rem; padding: .35rem .5rem; margin: 0; border-radius: .35rem; }
.evidence li > span { flex: 0 0 14rem; }
.evidence code { color: var(--quiet); }
.evidence li:target { background: var(--warn-soft); }
footer { padding-bottom: 3rem; }
@media (max-width: 40rem) { section { margin: 1rem -.5rem; padding: 1rem; } .scroll { margin: 0 -1rem; padding: 0 1rem; } .bar { flex-basis: 5rem; } }
@media print { body { background: #fff; } section { break-inside: avoid; border: 0; padding: 0; } .scroll { overflow: visible; } }
`;
