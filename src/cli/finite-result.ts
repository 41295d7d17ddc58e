import type { EvaluationResult } from '../pope/index.js';

/** The result with null where a number is not finite, and a warning that names the first such place: JSON has no other. */
export function finiteResult(result: EvaluationResult): EvaluationResult {
  const places: string[] = [];
  const clean = (value: unknown, path: string): unknown => {
    if (typeof value === 'number' && !Number.isFinite(value)) {
      places.push(`${path} is ${value}`);
      return null;
    }
    if (Array.isArray(value)) return value.map((inner, i) => clean(inner, `${path}[${i}]`));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, clean(inner, path === '' ? key : `${path}.${key}`)]),
    );
  };
  const cleaned = clean(result, '') as EvaluationResult;
  if (places.length === 0) return result;
  const message = `${places.length} figures are beyond float64 and became null, the first: ${places[0]}.`;
  return { ...cleaned, warnings: [...cleaned.warnings, { code: 'overflow', message }] };
}
