type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The variables that the app is given. Where pm2 forks it (its cluster mode), those of the ecosystem file come
 * as JSON in a single one, `pm2_env`, until pm2's own program, which runs after `--import`, has set them all.
 */
export function appEnvironment(env: Environment = process.env): Environment {
  const { pm2_env: packed } = env;
  return packed === undefined ? env : { ...env, ...unpack(packed) };
}

/** Of the same meaning as what pm2 will set: text. */
function unpack(json: string): Environment {
  try {
    const values = Object.entries(JSON.parse(json)).filter(([, value]) => typeof value !== 'object');
    return Object.fromEntries(values.map(([name, value]) => [name, String(value)]));
  } catch {
    // Of somebody else, who uses that name.
    return {};
  }
}
