/**
 * Registers TensorFlow.js's gradients. In Node the main entry of `@tensorflow/tfjs-core` registers none, and its own file that does cannot be
 * imported there (imports without extension), so that this entry carries it inlined. A side effect: import it once.
 *
 * @example
 * import '@sparsevit/ops/gradients';
 */
// first, so that the engine and its tensors come from the copy that the application uses
import '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients';
