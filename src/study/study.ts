/** What plain JSON holds. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** How a study is run. */
export interface StudyOptions {
  readonly seed: number;
  /** `quick` takes fewer and smaller cells: to see that it runs, not to learn from. */
  readonly size: 'full' | 'quick';
  /** Reads a data file as text, unpacked; `path` begins with one of the study's `needs`, or `package:` for data of this package. */
  readonly read: (path: string) => Promise<string>;
  /** Ends a cell early. */
  readonly signal?: AbortSignal | undefined;
}

/** The smallest unit of work that is kept when a study is cut: a pure function of the options. */
export interface Cell<Record extends Json> {
  /** Names it among the cells of the study. */
  readonly key: string;
  run(): Promise<Record> | Record;
}

/** A figure of the page. */
export interface StudyFigure {
  /** NAME-`suffix`.svg, or NAME.svg where it is empty. */
  readonly suffix: string;
  readonly svg: string;
  /** What it shows, under the figure. */
  readonly caption: string;
}

/** What the records of all cells come to: everything the page says is computed from it. */
export interface StudyPage {
  /** One honest sentence. */
  readonly sentence: string;
  /** What went for the method and what against it, a sentence each. */
  readonly findings: readonly Finding[];
  readonly sections: readonly { readonly title: string; readonly body: string }[];
  readonly figures: readonly StudyFigure[];
}

/** What the paper's summary says, in our words; findings that speak of one of them name it. */
export const paperClaims = {
  decomposition: 'Decomposed weights make slates estimable: far less variance than joint ones',
  bound: 'The variance has a lower bound that tells how far a target may stray',
  collapse: 'Aligning for utility alone narrows what is said',
  pluralism: 'Adding the diversity widens it again, at a small cost of utility',
  better: 'The result is better than other ways of alignment',
  ability: 'General ability is kept',
  prediction: 'The off-policy score says how a policy would fare',
  propensities: 'It works with propensities that are not exact',
} as const;

export interface Finding {
  readonly claim?: keyof typeof paperClaims;
  readonly holds: 'yes' | 'no' | 'unclear';
  readonly text: string;
}

/** One of the studies: a question, cells that find figures, and a page that is made of them alone. */
export interface Study {
  readonly name: string;
  /** In one sentence. */
  readonly question: string;
  /** Folders of data that it reads. */
  readonly needs: readonly string[];
  /** Raised where cells would come to other records: what was kept of an earlier version is then not used. */
  readonly version: number;
  cells(options: StudyOptions): Promise<readonly Cell<Json>[]>;
  /** Pure: the same records, the same page. */
  page(records: readonly Json[]): StudyPage;
}
