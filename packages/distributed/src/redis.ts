/** A connection to Redis that says at once what is wrong with it, and afterwards waits for a Redis that went away. */

import { setTimeout as pause } from 'node:timers/promises';
import { BackendError, ConfigError } from '@sparsevit/windows';
import type { RedisOptions } from 'ioredis';
import { Redis } from 'ioredis';

/** Where Redis is: `redis://host:6379`, `rediss://user:password@host:6379/0`, or the options of ioredis. */
export type RedisAddress = string | RedisOptions;

/** What a connection tells. */
export type ConnectionEvent =
  /** Redis is away. What was asked of it waits. */
  | { readonly type: 'connection-lost' }
  | { readonly type: 'connection-restored' }
  /** Something of the queue failed, and is dealt with. */
  | { readonly type: 'error'; readonly message: string };

/** An open connection. */
export interface Connection {
  readonly client: Redis;
  /** Tells what a part of BullMQ reports; a Redis that is away is told once, by the connection. */
  report(error: unknown): void;
  /** Waits for `closing`, but not for a Redis that is away; then ends this connection and its copies. */
  end(closing: Promise<unknown>): Promise<void>;
}

const leastVersion = [6, 2] as const;
const longestRetryMs = 2000;
const graceMs = 1000;
const defaultConnectTimeoutMs = 10_000;

/** How a connection is made. */
export interface ConnectOptions {
  readonly connectTimeoutMs?: number;
  readonly onEvent?: (event: ConnectionEvent) => void;
}

/**
 * Connects.
 *
 * @throws BackendError when there is no Redis within the time, it is too old, or it may evict data
 * @throws ConfigError for an address that is none
 */
export async function connectRedis(address: RedisAddress, options: ConnectOptions): Promise<Connection> {
  const { connectTimeoutMs = defaultConnectTimeoutMs, onEvent = () => {} } = options;
  const client = openClient(address);
  // BullMQ copies the connection for what blocks; a copy that is reconnecting ends with no call of its own
  const copies: Redis[] = [];
  const duplicate = client.duplicate.bind(client);
  client.duplicate = (override) => {
    const copy = duplicate(override);
    copies.push(copy);
    return copy;
  };

  let lastError: Error | null = null;
  client.on('error', (error) => {
    lastError = error;
  });
  try {
    if (!(await isSettledWithin(connectTimeoutMs, new Promise<void>((resolve) => client.once('ready', resolve))))) {
      const { host, port } = client.options;
      throw new BackendError(
        `distributed: expected a Redis at ${host}:${port}, got none within ${connectTimeoutMs} ms${lastError === null ? '' : ` (${(lastError as Error).message})`}. Start redis-server, or give another address.`,
      );
    }
    checkServer(await client.info());
  } catch (error) {
    client.disconnect();
    throw error;
  }

  let isEnding = false;
  let isLost = false;
  client.on('close', () => {
    if (!isEnding && !isLost) onEvent({ type: 'connection-lost' });
    isLost = true;
  });
  client.on('ready', () => {
    if (!isEnding && isLost) onEvent({ type: 'connection-restored' });
    isLost = false;
  });

  return {
    client,
    report(error) {
      if (isEnding || isConnectionError(error)) return;
      onEvent({ type: 'error', message: error instanceof Error ? error.message : String(error) });
    },
    async end(closing) {
      isEnding = true;
      let isClosed = false;
      do isClosed = await isSettledWithin(graceMs, closing);
      while (!isClosed && client.status === 'ready');
      for (const one of [client, ...copies]) one.disconnect();
    },
  };
}

/** True when a promise is fulfilled or rejected in time. */
async function isSettledWithin(limitMs: number, promise: Promise<unknown>): Promise<boolean> {
  const stop = new AbortController();
  const isSettled = (): boolean => true;
  const isLate = pause(limitMs, false, { signal: stop.signal }).catch(isSettled);
  return Promise.race([promise.then(isSettled, isSettled), isLate]).finally(() => stop.abort());
}

function openClient(address: RedisAddress): Redis {
  const own: RedisOptions = {
    maxRetriesPerRequest: null, // what is asked of a Redis that is away waits for it
    retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 10), longestRetryMs),
  };
  if (typeof address !== 'string') return new Redis({ ...address, ...own });
  let url: URL | null = null;
  try {
    url = new URL(address);
  } catch {
    // told below
  }
  // the address may have a password in it, and stays out of the message
  if (url === null || !['redis:', 'rediss:'].includes(url.protocol) || url.hostname === '') {
    throw new ConfigError('distributed: expected an address such as redis://host:6379, got something else.');
  }
  return new Redis(address, own);
}

function checkServer(info: string): void {
  const field = (name: string): string => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';
  const version = field('redis_version');
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < leastVersion[0] || (major === leastVersion[0] && minor < leastVersion[1])) {
    throw new BackendError(
      `distributed: expected Redis ${leastVersion.join('.')} or newer, got ${version || 'another server'}. Install a newer one.`,
    );
  }
  const policy = field('maxmemory_policy');
  if (policy !== '' && policy !== 'noeviction') {
    throw new BackendError(
      `distributed: expected a Redis that keeps what it is given, got the policy ${policy}. Set maxmemory-policy noeviction.`,
    );
  }
}

const connectionCodes = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN']);

function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return connectionCodes.has((error as { code?: string }).code ?? '') || /connection is closed/i.test(error.message);
}
