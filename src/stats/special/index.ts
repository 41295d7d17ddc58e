export { incompleteBeta } from './incomplete-beta.js';
export { logBeta, logGamma } from './log-gamma.js';
export { normalCdf, normalPdf, normalQuantile } from './normal.js';
export { studentCdf, studentQuantile } from './student.js';
