// A NestJS-like app: TypeScript with decorators, compiled to CommonJS, which loads the watchdog by require().
//
//   cd examples/frameworks/nest-like && npm install && npm run build && PORT=3000 npm start
//   curl http://127.0.0.1:3000/report &                          # blocks the app for two seconds
//   curl -s http://127.0.0.1:9464/metrics | grep lag_seconds     # answers all the same
import './watchdog'; // First: it runs while all else is loaded.
import { Controller, createApp, Get } from './nest';
import { WatchdogCloser, watchdog } from './watchdog';

@Controller('')
class AppController {
  @Get('/')
  hello(): string {
    return 'hello\n';
  }

  @Get('/report')
  report(): string {
    const until = performance.now() + 2000;
    while (performance.now() < until);
    return 'report\n';
  }
}

async function bootstrap(): Promise<void> {
  const app = createApp({ controllers: [AppController], providers: [WatchdogCloser] });
  app.enableShutdownHooks();
  console.log(`app: ${await app.listen(Number(process.env.PORT ?? 3000))}`);
  console.log(`metrics: ${(await watchdog.ready).url}/metrics`);
}
void bootstrap();
