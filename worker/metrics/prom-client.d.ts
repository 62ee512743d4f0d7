declare module 'prom-client/lib/registry.js' {
  const Registry: unknown;
  // biome-ignore lint/style/noDefaultExport: what the module has
  export default Registry;
}
