/** Every generated file: its place and what it should hold. */
export function generate(): Promise<{ url: URL; text: string }[]>;
