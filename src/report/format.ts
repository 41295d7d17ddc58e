/** What is printed for a number that is missing or not finite. */
export const MISSING = '—';

/** A number that may be missing: results write null where a value is not finite. */
export type MaybeNumber = number | null | undefined;

const MINUS = '\u2212';
const isNumber = (value: MaybeNumber): value is number => typeof value === 'number' && Number.isFinite(value);

/**
 * A number with `digits` significant digits (more where its whole part has more): plain between 1e-4 and 1e6, with a power of ten outside.
 * Integers below 1e6 stay whole. Missing and non-finite: an em dash.
 */
export function formatNumber(value: MaybeNumber, digits = 3): string {
  if (!isNumber(value)) return MISSING;
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (Number.isInteger(value) && size < 1e6) return signed(group(String(size)), value);
  // A whole part is never rounded away: 12345.6 is 12,346, not 12,300.
  const rounded = Number(size.toPrecision(size < 1e6 ? Math.max(digits, Math.floor(Math.log10(size)) + 1) : digits));
  if (rounded >= 1e6 || rounded < 1e-4) {
    const [mantissa, exponent] = size.toExponential(digits - 1).split('e') as [string, string];
    return signed(`${mantissa}e${exponent.replace('+', '').replace('-', MINUS)}`, value);
  }
  return signed(group(rounded.toFixed(Math.max(0, digits - 1 - Math.floor(Math.log10(rounded))))), value);
}

/** A number with a fixed count of decimals, for columns that must align. */
export function formatFixed(value: MaybeNumber, decimals: number): string {
  if (!isNumber(value)) return MISSING;
  const text = Math.abs(value).toFixed(decimals);
  if (text.includes('e')) return formatNumber(value, decimals + 1);
  return signed(group(text), Number(text) === 0 ? 0 : value);
}

/** A whole number with thousands separated: 12,345. */
export const formatCount = (value: MaybeNumber): string =>
  isNumber(value) ? formatFixed(Math.round(value), 0) : MISSING;

/** A share as percent: 0.123 is "12.3%"; a tiny but positive one is "<0.1%", never "0.0%". */
export function formatPercent(share: MaybeNumber, decimals = 1): string {
  if (!isNumber(share)) return MISSING;
  const least = 10 ** -decimals;
  const percent = share * 100;
  if (percent > 0 && percent < least / 2) return `<${least.toFixed(decimals)}%`;
  if (percent < 100 && percent > 100 - least / 2) return `>${(100 - least).toFixed(decimals)}%`;
  return `${formatFixed(percent, percent === 0 || percent === 100 ? 0 : decimals)}%`;
}

/** Seconds as people say them: "340 ms", "12.3 s", "2 min 5 s", "3 h 4 min". */
export function formatDuration(seconds: MaybeNumber): string {
  if (!isNumber(seconds)) return MISSING;
  if (seconds < 0) return signed(formatDuration(-seconds), seconds);
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 59.95) return `${formatFixed(seconds, 1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${formatCount(Math.floor(minutes / 60))} h ${minutes % 60} min`;
}

/** Bytes in powers of 1000: "512 B", "1.50 kB", "12.3 MB". */
export function formatBytes(bytes: MaybeNumber): string {
  if (!isNumber(bytes)) return MISSING;
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let size = bytes;
  let unit = 0;
  while (Math.abs(size) >= 999.5 && unit < units.length - 1) {
    size /= 1000;
    unit++;
  }
  return `${unit === 0 ? formatCount(size) : formatNumber(size)} ${units[unit]}`;
}

/** "[0.12, 0.34]", both ends with the decimals that the width of the interval calls for; an em dash where it is missing. */
export function formatInterval(lower: MaybeNumber, upper: MaybeNumber): string {
  if (!isNumber(lower) || !isNumber(upper)) return MISSING;
  const size = Math.max(Math.abs(lower), Math.abs(upper));
  if (size >= 1e6 || (size > 0 && size < 1e-4)) return `[${formatNumber(lower)}, ${formatNumber(upper)}]`;
  const decimals = decimalsFor(upper - lower);
  return `[${formatFixed(lower, decimals)}, ${formatFixed(upper, decimals)}]`;
}

/** An estimate with the decimals of its interval. */
export function formatEstimate(value: MaybeNumber, lower: MaybeNumber, upper: MaybeNumber): string {
  if (!isNumber(value) || !isNumber(lower) || !isNumber(upper)) return formatNumber(value);
  const size = Math.max(Math.abs(value), Math.abs(lower), Math.abs(upper));
  if (size >= 1e6 || (size > 0 && size < 1e-4)) return formatNumber(value);
  return formatFixed(value, decimalsFor(upper - lower));
}

/** Two digits more than the width's first, at least 2 and at most 6: width 0.03 asks for 3 decimals. */
function decimalsFor(width: number): number {
  if (!(width > 0)) return 3;
  return Math.min(6, Math.max(2, 1 - Math.floor(Math.log10(width))));
}

const signed = (text: string, value: number): string => (value < 0 ? MINUS + text : text);

function group(text: string): string {
  const [whole, fraction] = text.split('.') as [string, string | undefined];
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}
