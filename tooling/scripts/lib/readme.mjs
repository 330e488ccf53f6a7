/** The quickstart of a README, as code that can be run. */

/**
 * The first fenced block that is marked `js`, or null when there is none.
 * @param {string} markdown text of the README
 */
export const firstExample = (markdown) => /^```(?:js|javascript|mjs)\b[^\n]*\n(.*?)^```/ms.exec(markdown)?.[1] ?? null;
