"""What national rules ask of values, as pure functions: no pandas, no SQL, no suites.

The Great Expectations classes of `expectations.custom` judge each value with these; the compiled rules
(`expectations.compiler.rules.national`) say the same in the intermediate form and are tested against them. Facts carry their
confidence: H two or more sources or checked by computation, M one source or well remembered, L memory only (never exact).
"""
