/** What the addresses of the site begin with: `SITE_BASE` (`/name/` where it does not lie at the root of its host), else a slash. */
export const siteBase = (): string => process.env.SITE_BASE ?? '/';
