declare const __VERSION__: string | undefined;

/** This package's version; put here by the build. */
export const VERSION: string = typeof __VERSION__ === 'string' ? __VERSION__ : 'source';
