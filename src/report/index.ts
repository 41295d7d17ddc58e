export { evaluationReport, type ReportExtras } from './evaluation-report.js';
export { evaluationSections } from './evaluation-sections.js';
export type { EvaluationExtras } from './evidence-sections.js';
export * from './figures/index.js';
export {
  formatBytes,
  formatCount,
  formatDuration,
  formatEstimate,
  formatFixed,
  formatInterval,
  formatNumber,
  formatPercent,
  type MaybeNumber,
} from './format.js';
export { groupsTable } from './groups-table.js';
export { type Block, type HtmlReport, htmlReport, type Section } from './html.js';
export { furtherEstimators, mainEstimates } from './main-estimates.js';
export { element, escapeText, join, type Markup } from './markup.js';
export type * from './result.js';
export { niceTicks, type Ticks } from './scale.js';
export { type Cell, type Column, htmlTable, type Table, textTable } from './table.js';
export { verdictSentence, warningList } from './verdict.js';
export { binWeights, type WeightBins } from './weight-bins.js';
