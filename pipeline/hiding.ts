export type Hide = (text: string) => string;

/** Shorter texts of a secret of several fields stand in too many others. */
const shortestField = 6;
/** Of those that are looked for inside of other encodings too. */
const shortestInside = 8;

/** The parts of base64 that are the same whatever stands before and after: three ways to fall on its groups of three bytes. */
function base64Within(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const whole = text.slice([0, 2, 3][before], ((before + bytes.length) * 8) % 6 === 0 ? undefined : -1);
    return [whole, whole.replaceAll('+', '-').replaceAll('/', '_')];
  });
}

/** A secret, and its fields where it is JSON of several. */
function partsOf(secret: string): string[] {
  const texts: string[] = [];
  const collect = (value: unknown): void => {
    if (typeof value === 'string' && value.length >= shortestField) texts.push(value);
    else if (value !== null && typeof value === 'object') Object.values(value).forEach(collect);
  };
  try {
    collect(JSON.parse(secret));
  } catch (e) {
    if (!(e instanceof SyntaxError)) throw e; // it is no JSON: there are no fields
  }
  return [secret, ...texts];
}

const formsOf = (secret: string): string[] => [
  secret,
  JSON.stringify(secret).slice(1, -1),
  encodeURIComponent(secret.toWellFormed()),
  ...(secret.length < shortestInside ? [] : [...base64Within(secret), Buffer.from(secret).toString('hex')]),
];

/**
 * Replaces secrets by their references: as they are, as JSON, URLs, base64 and hex have them, and each field of a secret that
 * is JSON. `seen` is told each time. What a tool makes of a secret otherwise nobody can know.
 */
export function hiding(secrets: ReadonlyMap<string, string>, seen: (ref: string) => void = () => undefined): Hide {
  const forms = [...secrets]
    .flatMap(([ref, secret]) => [...new Set(partsOf(secret).flatMap(formsOf))].map((form) => ({ ref, form })))
    .filter(({ form }) => form !== '')
    .sort((a, b) => b.form.length - a.form.length);
  return (text) =>
    forms.reduce((out, { ref, form }) => {
      if (!out.includes(form)) return out;
      seen(ref);
      return out.replaceAll(form, () => ref);
    }, text);
}
