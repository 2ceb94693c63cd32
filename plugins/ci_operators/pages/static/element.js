/** React, Chakra UI and the router as Airflow lends them to plugins: the pages look and behave as its own. */

const { React, ChakraUI, ReactRouterDOM } = globalThis;

export const h = React.createElement;
export const { Component, Fragment, useCallback, useEffect, useId, useMemo, useRef, useState } = React;
export const Chakra = ChakraUI;
export const { Link: RouterLink, useNavigate, useSearchParams } = ReactRouterDOM;
