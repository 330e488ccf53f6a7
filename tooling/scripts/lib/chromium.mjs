/** Which browser runs the browser lane. */
import { existsSync } from 'node:fs';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/**
 * Path of a Chromium: `CHROMIUM_PATH` when it is set, else where Linux distributions put it.
 * @returns {string | null} null when there is none
 */
export const chromiumPath = () => {
  const asked = process.env.CHROMIUM_PATH;
  return (asked === undefined ? places : [asked]).find((path) => existsSync(path)) ?? null;
};
