export { type CoverageData, type CoverageSeries, coverageFigure } from './coverage-figure.js';
export { type IntervalFigureData, type IntervalRow, intervalFigure } from './interval-figure.js';
export { type SeriesPanel, type SeriesPanelsData, type SeriesPoint, seriesPanels } from './series-panels.js';
export { type Curve, type CurvePanel, type TrainingCurvesData, trainingCurves } from './training-curves.js';
export {
  type IntervalValue,
  type UtilityDiversityData,
  type UtilityDiversityPoint,
  utilityDiversityFigure,
} from './utility-diversity-figure.js';
export { type WeightHistogramData, weightHistogram } from './weight-histogram.js';
