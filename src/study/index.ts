import { ablation } from './ablation.js';
import { baselines } from './baselines.js';
import { estimators } from './estimators.js';
import { extremes } from './extremes.js';
import { independent } from './independent.js';
import { propensity } from './propensity.js';
import { replay } from './replay.js';
import type { Study } from './study.js';

export { fileOf, markdownTable, renderPage } from './render-page.js';
export type { Cell, Finding, Json, Study, StudyFigure, StudyOptions, StudyPage } from './study.js';
export { paperClaims } from './study.js';

/** All studies, in the order of the index page. */
export const studies: readonly Study[] = [estimators, ablation, baselines, independent, propensity, extremes, replay];
