/** What a stage works with, and what a pipeline tells. */

import type { PipelineRun } from '@sparsevit/config';
import type { BrokenRecord, Dataset } from '@sparsevit/data';
import type { LatencyRunner, MeasureEvent } from '@sparsevit/latency';
import type { MeasureTopEvent, SearchEvent } from '@sparsevit/search';
import type { TaskCheckpoint } from '@sparsevit/tasks';
import type { EvaluationEvent } from '../../evaluate';
import type { LatencyRunnerOptions } from '../../latency/subject';
import type { LatencyHost } from '../latency-device';
import type { TaskTrainingEvent } from '../train-task';
import type { RunFolder } from './run-folder';
import type { PipelineStage } from './stages';

/** What a pipeline tells. */
export type PipelineEvent =
  | { readonly type: 'stage-start'; readonly stage: PipelineStage; readonly steps?: number }
  /** `isGiven`: nothing was done, the result is a file. */
  | { readonly type: 'stage-skipped'; readonly stage: PipelineStage; readonly isGiven: boolean }
  | { readonly type: 'stage-end'; readonly stage: PipelineStage; readonly durationMs: number }
  | {
      readonly type: 'stage-progress';
      readonly stage: PipelineStage;
      readonly event:
        | TaskTrainingEvent
        | EvaluationEvent
        | BrokenRecord
        | MeasureEvent
        | SearchEvent
        | MeasureTopEvent
        | CaseEvent;
    };

/** An evaluation or a measurement of one of several cases. */
export interface CaseEvent {
  readonly type: 'case-start' | 'case-measured';
  readonly name: string;
  readonly place: number;
  readonly count: number;
}

/** A model on something that can be timed, at any of the sizes that a pipeline asks for. */
export interface TimedModel {
  readonly runner: LatencyRunner;
  readonly device: {
    readonly backend: string;
    readonly backendVersion: string;
    readonly kernels: string | null;
    readonly threads: number | null;
  };
  dispose(): Promise<void>;
}

/** What a pipeline needs from outside. */
export interface PipelineSurroundings {
  /** Milliseconds. */
  readonly now: () => number;
  readonly date: () => Date;
  readonly host: LatencyHost & { readonly cores: number; readonly memoryBytes: number };
  /** The command, for the report. */
  readonly command: string;
  readonly signal: AbortSignal;
  readonly onEvent: (event: PipelineEvent) => void;
  /** Makes a backend of TensorFlow.js active, with gradients; called once, before anything is trained. */
  readonly startTraining: () => Promise<void>;
  /** Draws the pictures of the report into a folder; default none. */
  readonly drawSamples?: ((request: SampleRequest) => Promise<readonly SampleFiles[]>) | undefined;
  /** What times a model; default the engine. Tests give a clock-free one. */
  readonly startTimedModel?:
    | ((
        checkpoint: TaskCheckpoint,
        options: LatencyRunnerOptions & { readonly threads: number | undefined },
      ) => Promise<TimedModel>)
    | undefined;
  /** The program of the pool; default the one of this package. */
  readonly evaluationProgram?: string | URL | undefined;
}

/** What pictures are drawn of. */
export interface SampleRequest {
  readonly dataset: Dataset;
  readonly count: number;
  readonly dense: TaskCheckpoint;
  readonly final: TaskCheckpoint;
  readonly input: PipelineRun['input'];
  /** Where pictures are written. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** Pictures of one image, relative to the folder. */
export interface SampleFiles {
  readonly id: string;
  readonly photo: string;
  readonly dense: string;
  readonly sparse: string;
  readonly windows: string;
}

/** What a stage works with. */
export interface StageContext extends PipelineSurroundings {
  /** Paths are absolute. */
  readonly run: PipelineRun;
  /** Paths are as they were written. */
  readonly written: PipelineRun;
  readonly folder: RunFolder;
  /** Tells what happens inside of the stage. */
  readonly tell: (event: Extract<PipelineEvent, { type: 'stage-progress' }>['event']) => void;
}
