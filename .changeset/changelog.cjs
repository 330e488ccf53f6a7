// What stands in a CHANGELOG.md: the texts of the changesets, and nothing of commits. All packages share one version, so that one line says
// what became of the others.

module.exports = {
  async getReleaseLine({ summary }) {
    const [first, ...rest] = summary.split('\n').map((line) => line.trimEnd());
    return `- ${[first, ...rest.map((line) => (line === '' ? '' : `  ${line}`))].join('\n')}`;
  },
  async getDependencyReleaseLine(_changesets, [dependency]) {
    return dependency === undefined ? '' : `- Goes with version ${dependency.newVersion} of the other packages.`;
  },
};
