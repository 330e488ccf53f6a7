/** What a task is: which head stands on the backbone, and what it tells apart. */

import { ConfigError } from '@sparsevit/windows';
import type { DetectionConfig } from './heads/detection';
import type { SemanticConfig } from './heads/semantic';
import type { UpernetConfig } from './heads/upernet';

/** One class for the whole image. */
export interface ClassificationConfig {
  readonly kind: 'classification';
  readonly classes: readonly string[];
  /** Share of the label that is spread over all classes; default 0. */
  readonly labelSmoothing?: number;
}

/** A task. */
export type TaskConfig = ClassificationConfig | SemanticConfig | UpernetConfig | DetectionConfig;

/** The kinds of tasks. */
export const taskKinds: readonly TaskConfig['kind'][] = ['classification', 'semantic', 'upernet', 'detection'];

/**
 * Returns the config, if its kind is known and it has class names, each once.
 *
 * @throws ConfigError otherwise
 * @example
 * checkTask({ kind: 'detection', classes: ['car'] });
 */
export function checkTask<Config extends TaskConfig>(config: Config): Config {
  if (typeof config !== 'object' || config === null || !taskKinds.includes(config.kind)) {
    throw new ConfigError(`task: expected a kind of ${taskKinds.join(', ')}, got ${String(config?.kind)}.`);
  }
  const { classes } = config;
  if (
    !Array.isArray(classes) ||
    classes.length === 0 ||
    classes.some((name) => typeof name !== 'string' || name === '')
  ) {
    throw new ConfigError('task: expected a list of at least one class name, got another.');
  }
  const twice = classes.find((name, i) => classes.indexOf(name) !== i);
  if (twice !== undefined) throw new ConfigError(`task: expected each class once, got ${twice} twice.`);
  if (learnsFrom(config) === 'masks' && classes.length > 255) {
    throw new ConfigError(`task: expected at most 255 classes in a mask, got ${classes.length}.`);
  }
  return config;
}

/** What a task learns from: a label per image, a class per pixel, or boxes. */
export function learnsFrom({ kind }: Pick<TaskConfig, 'kind'>): 'labels' | 'masks' | 'boxes' {
  if (kind === 'classification') return 'labels';
  return kind === 'detection' ? 'boxes' : 'masks';
}
