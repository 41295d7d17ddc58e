import type { Report } from './place.js';
import { isObject, type JsonObject } from './record.js';

/** Keys of a response that a one-completion row may carry beside its completion. */
const RESPONSE_KEYS = [
  'log_propensity',
  'propensity',
  'target_log_prob',
  'feedback',
  'opinion',
  'predicted_reward',
  'position',
  'group_feedback',
] as const;

/**
 * Turns a row of the usual preference sets into a round; anything else is handed back as it is.
 * - `{prompt, completion}`: a slate of one, without feedback.
 * - `{prompt, completion, label}`: a slate of one, feedback `label` (a boolean becomes 1 or 0).
 * - `{prompt, chosen, rejected}`: a slate of two, feedback `preferred` 1 and 0.
 *
 * Prompts and completions may be lists of messages `{role, content}`. A list becomes text thus: one message is its
 * content alone; several are `role: content`, with a blank line between. A completion that begins by repeating the
 * prompt's messages (as many sets do) loses them first. Other keys stay on the round, and those that belong to a
 * response (`log_propensity`, ...) move to the one completion.
 */
export function fromPreferenceRow(value: unknown, report: Report): unknown {
  if (!isObject(value) || 'responses' in value) return value;
  if ('completion' in value) return fromCompletion(value, report);
  if ('chosen' in value || 'rejected' in value) return fromPair(value, report);
  return value;
}

function fromCompletion(row: JsonObject, report: Report): unknown {
  const text = completionText('completion', row, report);
  const { label } = row;
  const response: Record<string, unknown> = { text };
  for (const key of RESPONSE_KEYS) if (row[key] !== undefined) response[key] = row[key];
  if (label !== undefined && label !== null) {
    const number = typeof label === 'boolean' ? Number(label) : label;
    if (!Number.isFinite(number)) report('label', label, 'true, false or a finite number');
    const feedback = isObject(response['feedback']) ? response['feedback'] : {};
    response['feedback'] = { ...feedback, label: number };
  }
  return round(row, ['completion', 'label', ...RESPONSE_KEYS], [response], report);
}

function fromPair(row: JsonObject, report: Report): unknown {
  const chosen = { text: completionText('chosen', row, report), feedback: { preferred: 1 } };
  const rejected = { text: completionText('rejected', row, report), feedback: { preferred: 0 } };
  return round(row, ['chosen', 'rejected'], [chosen, rejected], report);
}

function round(row: JsonObject, dropped: readonly string[], responses: unknown[], report: Report): unknown {
  const kept = Object.entries(row).filter(([key]) => !dropped.includes(key));
  const prompt = Array.isArray(row['prompt']) ? messagesText('prompt', row['prompt'], report) : row['prompt'];
  return { ...Object.fromEntries(kept), prompt, responses };
}

function completionText(key: string, row: JsonObject, report: Report): string {
  const value = row[key];
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) {
    report(key, value, 'a string or a list of messages {role, content}');
    return '';
  }
  return messagesText(key, withoutPrompt(value, row['prompt']), report);
}

function withoutPrompt(messages: readonly unknown[], prompt: unknown): readonly unknown[] {
  const repeated = typeof prompt === 'string' ? [{ role: 'user', content: prompt }] : prompt;
  if (!Array.isArray(repeated) || repeated.length >= messages.length) return messages;
  const same = repeated.every((message: unknown, i) => {
    const other = messages[i];
    return (
      isObject(message) &&
      isObject(other) &&
      message['role'] === other['role'] &&
      message['content'] === other['content']
    );
  });
  return same ? messages.slice(repeated.length) : messages;
}

/** The text of a list of messages: see `fromPreferenceRow`. */
function messagesText(key: string, messages: readonly unknown[], report: Report): string {
  const parts: string[] = [];
  const bad = messages.findIndex(
    (m) => !isObject(m) || typeof m['role'] !== 'string' || typeof m['content'] !== 'string',
  );
  if (messages.length === 0) report(key, messages, 'a string or at least one message {role, content}');
  if (bad >= 0) {
    report(`${key}[${bad}]`, messages[bad], 'a message with role and content, both strings');
    return '';
  }
  const checked = messages as readonly { role: string; content: string }[];
  if (checked.length === 1) return checked[0].content;
  for (const { role, content } of checked) parts.push(`${role}: ${content}`);
  return parts.join('\n\n');
}
