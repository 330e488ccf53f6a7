/** What drivers want evaluated, for workers to look for: `sparsevit worker` is told an address, and finds out here what it is to load. */

import type { EvaluationSubject } from '@sparsevit/config';
import { parseEvaluationSubject } from '@sparsevit/config';
import { subjectKey } from '@sparsevit/search/node';
import type { Redis } from 'ioredis';
import type { ConnectOptions, RedisAddress } from './redis';
import { connectRedis } from './redis';

/** A subject that a driver announced. */
export interface AnnouncedSubject {
  readonly key: string;
  readonly subject: EvaluationSubject;
  /** When it was last announced, in milliseconds since 1970 by the clock of Redis. */
  readonly announcedMs: number;
}

const keptMs = 30 * 24 * 3600 * 1000;
const hashKey = (prefix: string): string => `${prefix}:subjects`;

/** Announces a subject, and forgets those of a month ago. */
export async function announceSubject(client: Redis, prefix: string, subject: EvaluationSubject): Promise<void> {
  const [seconds] = (await client.time()).map(Number);
  const announcedMs = (seconds ?? 0) * 1000;
  const old = (await readAll(client, prefix)).filter((one) => one.announcedMs < announcedMs - keptMs);
  if (old.length > 0) await client.hdel(hashKey(prefix), ...old.map(({ key }) => key));
  await client.hset(hashKey(prefix), subjectKey(subject), JSON.stringify({ announcedMs, subject }));
}

/**
 * What drivers want evaluated, the latest first. What a subject says of files is checked with `checkFiles` before anything is loaded.
 *
 * @throws BackendError when there is no Redis that can be used
 * @example
 * const [latest] = await announcedSubjects('redis://queue:6379');
 */
export async function announcedSubjects(
  redis: RedisAddress,
  options: ConnectOptions & { readonly prefix?: string } = {},
): Promise<AnnouncedSubject[]> {
  const connection = await connectRedis(redis, options);
  try {
    const all = await readAll(connection.client, options.prefix ?? 'sparsevit');
    return all.sort((a, b) => b.announcedMs - a.announcedMs || (a.key < b.key ? -1 : 1));
  } finally {
    await connection.end(Promise.resolve());
  }
}

async function readAll(client: Redis, prefix: string): Promise<AnnouncedSubject[]> {
  return Object.entries(await client.hgetall(hashKey(prefix))).flatMap(([key, text]) => {
    try {
      const { announcedMs, subject } = JSON.parse(text) as { announcedMs: unknown; subject: unknown };
      const read = parseEvaluationSubject(subject);
      // anybody may write there: what does not fit is nobody's
      return Number.isFinite(announcedMs) && subjectKey(read) === key
        ? [{ key, subject: read, announcedMs: announcedMs as number }]
        : [];
    } catch {
      return [];
    }
  });
}
