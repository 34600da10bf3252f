module amlpromote.dev/oracles/json

go 1.26
