// Error reports of the browser. Imported first, before anything that may fail.
import * as Sentry from '@sentry/browser';

Sentry.init({
  dsn: import.meta.env.VITE_GLITCHTIP_DSN, // unset: nothing is sent
  environment: import.meta.env.MODE, // the build's mode: development, production
  release: import.meta.env.VITE_RELEASE, // named as the service's own: shop@1.2.3
  tracesSampleRate: 0.1,
  integrations: (defaults) => [
    ...defaults.filter(({ name }) => name !== 'BrowserSession'), // GlitchTip knows no sessions
    Sentry.browserTracingIntegration(),
  ],
  // The service, and nobody else, gets to see which trace a request belongs to.
  tracePropagationTargets: [import.meta.env.VITE_API_URL ?? location.origin],
  propagateTraceparent: true, // as the header `traceparent`, which the service reads
});
