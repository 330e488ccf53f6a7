/**
 * The errors of every package: what was expected, what came, what to do. One base class, few subclasses, each marked with a
 * `Symbol.for` so that `isInstance` also works when two copies of this package are loaded.
 */

const marker: unique symbol = Symbol.for('@sparsevit/error');

/** Which kind of thing was wrong; one code per class, for callers that act on it. */
export type SparseViTErrorCode =
  | 'shape'
  | 'config'
  | 'checkpoint'
  | 'image'
  | 'backend'
  | 'input'
  | 'training'
  | 'search';

/**
 * Base of all errors thrown on purpose.
 *
 * @example
 * try { createWindowGrid({ batch: 1, height: 0, width: 4, window: 7, isShifted: false, rules }); }
 * catch (error) { if (SparseViTError.isInstance(error)) console.log(error.code, error.message); }
 */
export class SparseViTError extends Error {
  readonly code: SparseViTErrorCode;

  constructor(code: SparseViTErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    Object.defineProperty(this, marker, { value: true });
  }

  /** True for an error of any SparseViT package, whichever copy of it threw. */
  static isInstance(value: unknown): value is SparseViTError {
    return typeof value === 'object' && value !== null && marker in value;
  }
}

/** A tensor, a grid or a list of window ids has a shape or range that the operation cannot take. */
export class ShapeError extends SparseViTError {
  constructor(message: string) {
    super('shape', message);
  }
}

/** An architecture, a sparsity or another document is not valid. */
export class ConfigError extends SparseViTError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('config', message, options);
  }
}

/** A checkpoint file cannot be read, or is not the model it is asked to be. */
export class CheckpointError extends SparseViTError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('checkpoint', message, options);
  }
}

/** An image cannot be decoded or is too small to use. */
export class ImageError extends SparseViTError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('image', message, options);
  }
}

/** A backend is missing, or cannot do what was asked of it. */
export class BackendError extends SparseViTError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('backend', message, options);
  }
}
