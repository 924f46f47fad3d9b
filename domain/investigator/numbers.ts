/** A day, with or without the time; a figure, with signs of thousands and percent; in this order, so that no day is three figures. */
const pattern = /\d{4}-\d{2}-\d{2}(?:T[\d:.]+Z?)?|-?\d+(?:[.,]\d+)*%?/g;
/** Names of things, whose digits are no figures. */
const uuid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi;
const day = /^\d{4}-\d{2}-\d{2}/;

const figuresIn = (text: string): string[] => text.replace(uuid, '').match(pattern) ?? [];
const numberOf = (figure: string): number => Math.abs(Number(figure.replace('%', '').replaceAll(',', '')));

interface Known {
  numbers: number[];
  days: Set<string>;
}

/** Every figure in some JSON, those in its texts included. */
function collect(value: unknown, known: Known): Known {
  if (typeof value === 'number') known.numbers.push(Math.abs(value));
  else if (typeof value === 'string') {
    for (const figure of figuresIn(value)) {
      if (day.test(figure)) known.days.add(figure.slice(0, 10));
      else known.numbers.push(numberOf(figure));
    }
  } else if (value !== null && typeof value === 'object')
    for (const [key, inner] of Object.entries(value))
      collect(inner, Array.isArray(value) ? known : collect(key, known));
  return known;
}

/**
 * The figures in a text that stand in none of the results, whatever they are rounded to. The tools count and measure: who
 * tells of it may round, turn a share into a percentage, and leave signs away, but not come up with figures.
 */
export function inventedFigures(text: string, results: readonly unknown[]): string[] {
  const known = collect(results, { numbers: [], days: new Set() });
  return figuresIn(text).filter((figure) => {
    if (day.test(figure)) return !known.days.has(figure.slice(0, 10));
    const said = numberOf(figure);
    const decimals = figure.replace('%', '').split('.')[1]?.length ?? 0;
    const near = (k: number): boolean => Math.abs(k - said) <= 0.5 * 10 ** -decimals + 1e-9 * k;
    return !known.numbers.some((k) => near(k) || (figure.endsWith('%') && near(k * 100)));
  });
}
