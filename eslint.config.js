import tseslint from "typescript-eslint";

/** Biome formats and lints; this adds the rules that need types, and the purity of the inner rooms. */
const PURE = "src/{message,port,transaction,auth,location,registrar,proxy,extension}/**/*.ts";

export default tseslint.config(
  { ignores: ["dist", "node_modules", "bench", "native", "coverage", "**/*.js", "**/*.mjs", "**/*.cjs"] },
  {
    files: ["**/*.ts"],
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: { project: "./tsconfig.json", tsconfigRootDir: import.meta.dirname },
    },
    plugins: { "@typescript-eslint": tseslint.plugin },
    rules: {
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: { arguments: false } }],
      "@typescript-eslint/await-thenable": "error",
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/only-throw-error": "error",
    },
  },
  {
    files: [PURE],
    rules: {
      "no-restricted-properties": [
        "error",
        { object: "Date", property: "now", message: "time is handed in as a Clock" },
        { object: "Math", property: "random", message: "randomness is handed in as Entropy" },
      ],
      "no-restricted-syntax": [
        "error",
        {
          selector: "NewExpression[callee.name='Date'][arguments.length=0]",
          message: "time is handed in as a Clock",
        },
      ],
    },
  },
);
