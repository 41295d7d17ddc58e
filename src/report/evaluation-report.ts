import { evaluationSections } from './evaluation-sections.js';
import type { EvaluationExtras } from './evidence-sections.js';
import { formatCount } from './format.js';
import { htmlReport, type Section } from './html.js';
import type { EvaluationResult } from './result.js';

/** What the caller may add to the result: all of it optional, each adds a figure, a column or a line. */
export interface ReportExtras extends EvaluationExtras {
  readonly title?: string;
  readonly subtitle?: string;
  /** Sections of the caller's own, after the verdicts and warnings. */
  readonly sections?: readonly Section[];
  /** Attribution of the data, for instance. */
  readonly footer?: string;
}

/** The whole report of an evaluation as one HTML file. The same arguments give the same bytes. */
export function evaluationReport(result: EvaluationResult, extras: ReportExtras = {}): string {
  const { log, version } = result;
  const [summary, ...rest] = evaluationSections(result, extras);
  return htmlReport({
    title: extras.title ?? 'Off-policy evaluation',
    subtitle:
      extras.subtitle ??
      `${formatCount(log.rounds)} logged rounds, ${formatCount(log.responses)} responses, ${formatCount(Object.keys(result.targets).length)} target policies.`,
    sections: [...(summary === undefined ? [] : [summary]), ...(extras.sections ?? []), ...rest],
    footer: `${extras.footer === undefined ? '' : `${extras.footer} `}Made by pope-ts ${version}.`,
  });
}
