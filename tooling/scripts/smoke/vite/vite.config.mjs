export default {
  build: {
    target: 'es2022',
    minify: false,
    rollupOptions: { input: 'main.js', output: { entryFileNames: 'main.js' } },
  },
};
