/** Licences of what users install with a published package. */

/** Licences that ask for no more than that their text goes along. */
const allowed = new Set(['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'Unlicense']);

/** What else is taken, and why. */
const exceptions = [
  // libvips, a shared library beside sharp, which loads it: it can be replaced, as the licence wants. sharp itself is Apache-2.0.
  { name: /^@img\/sharp-/, licences: new Set(['LGPL-3.0-or-later']) },
];

/**
 * Whether an SPDX expression is met by licences that are taken: every part of an AND, one part of an OR.
 * @param {string} expression such as `(MIT OR GPL-3.0) AND ISC`
 * @param {(licence: string) => boolean} isTaken
 */
export const meets = (expression, isTaken) => {
  const tokens = expression.match(/\(|\)|[^\s()]+/g) ?? [];
  let next = 0;
  const factor = () => {
    if (tokens[next] !== '(') return isTaken(tokens[next++] ?? '');
    next++;
    const value = either();
    next++;
    return value;
  };
  const all = () => {
    let value = factor();
    while (tokens[next] === 'AND') {
      next++;
      value = factor() && value;
    }
    return value;
  };
  const either = () => {
    let value = all();
    while (tokens[next] === 'OR') {
      next++;
      value = all() || value;
    }
    return value;
  };
  const value = either();
  return value && next === tokens.length;
};

/**
 * Dependencies whose licence is not taken, one line each.
 * @param {Record<string, { name: string, versions: string[] }[]>} listed what `pnpm licenses list --json` prints: packages by licence
 */
export const refusedLicences = (listed) =>
  Object.entries(listed).flatMap(([licence, packages]) =>
    packages.flatMap(({ name, versions }) => {
      const more = exceptions.filter((exception) => exception.name.test(name));
      const isTaken = (one) => allowed.has(one) || more.some(({ licences }) => licences.has(one));
      return meets(licence, isTaken) ? [] : [`${name} ${versions.join(', ')}: ${licence} is not on the list`];
    }),
  );
