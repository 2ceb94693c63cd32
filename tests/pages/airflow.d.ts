// What Airflow's page lends to the modules in static/, for their type check (make lint). Not shipped.
import type * as ReactModule from "react";

declare global {
  var React: typeof ReactModule;
  /** Chakra UI 3: its components take any property of style. */
  var ChakraUI: Record<string, any>;
  var ReactRouterDOM: {
    Link: any;
    /** Each change of the address has another key. */
    useLocation(): { key: string };
    useSearchParams(): [
      URLSearchParams,
      (next: URLSearchParams | ((old: URLSearchParams) => URLSearchParams), options?: object) => void,
    ];
  };
}
