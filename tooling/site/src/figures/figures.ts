export async function writeFigures(_folder: string): Promise<void> {}
