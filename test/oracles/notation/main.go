// amlpromote-oracle-notation answers as the Notary Project's own libraries do. The test suite asks it what notation would
// say about a signature; it is no part of the product. It judges by notation-go's verifier over a trust store and a trust
// policy as notation reads them, and nothing of the judgement is written here.
//
// # In bulk (no arguments)
//
// One JSON document a line on stdin, one answer a line on stdout, in the same order, each written at once:
//
//	{
//	  "id": "any text",                                        (comes back)
//	  "envelope": "base64 of the signature envelope",
//	  "envelopeMediaType": "application/jose+json",            (this is the default; application/cose too)
//	  "descriptor": {"mediaType": "…", "digest": "sha256:…", "size": 955},
//	  "ca": ["-----BEGIN CERTIFICATE-----…"],                  (each becomes a file of the trust store ca:oracle)
//	  "trustedIdentities": ["x509.subject: C=JP, ST=Tokyo, O=Contoso"],
//	  "level": "strict",                                       (default; permissive, audit)
//	  "override": {"revocation": "skip"}                       (optional, as in a trust policy)
//	}
//
//	{
//	  "id": "any text",
//	  "verified": false,
//	  "stage": "policy | signature",   (where it was refused: the trust policy itself, or the judgement; absent when verified)
//	  "error": "what notation-go says",                        (absent when verified)
//	  "results": [{"type": "integrity", "action": "enforce", "error": "…"}],
//	  "version": "notation-go v1.3.2, notation-core-go v1.3.0"
//	}
//
// A line that is no such document ends the program with exit code 2: that is no answer. The verifier asks the clock of the
// machine; another time of verification cannot be given to it. No plugins are installed.
//
// # One envelope
//
//	amlpromote-oracle-notation envelope --file ENVELOPE [--envelope-media-type TYPE] --media-type TYPE --digest DIGEST
//	  --size N --ca FILE [--ca FILE…] --identity 'x509.subject: …' [--identity …] [--level LEVEL] [--skip-revocation]
//
// prints the same answer; exit code 0 when verified, 1 when not, 2 when it could not be asked.
//
// # In the place of notation, against a registry
//
//	amlpromote-oracle-notation verify [--plain-http] REFERENCE
//	amlpromote-oracle-notation sign [--plain-http] [--signature-format jws|cose] --key FILE --certificates FILE REFERENCE
//	amlpromote-oracle-notation generate-test --key FILE --certificates FILE NAME
//
// `verify` reads trustpolicy.json and truststore/ below $XDG_CONFIG_HOME/notation, as notation does, and prints notation's
// line. `--insecure-registry` is the same as `--plain-http`. `generate-test` makes an RSA key with a certificate signed by
// itself, as `notation cert generate-test` does.
package main

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
)

func main() {
	code, err := run(context.Background(), os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
	}
	os.Exit(code)
}

func run(ctx context.Context, args []string) (int, error) {
	if len(args) == 0 {
		return failing(2, bulk(ctx, os.Stdin, os.Stdout))
	}
	switch args[0] {
	case "envelope":
		return envelope(ctx, args[1:])
	case "verify":
		return failing(1, verifyReference(ctx, args[1:]))
	case "sign":
		return failing(1, signReference(ctx, args[1:]))
	case "generate-test":
		return failing(1, generateTest(args[1:]))
	case "version":
		fmt.Println(version())
		return 0, nil
	}
	return 2, fmt.Errorf("unknown command %q: see the top of main.go", args[0])
}

func failing(code int, err error) (int, error) {
	if err == nil {
		code = 0
	}
	return code, err
}

// version names the libraries whose judgement this is.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	var parts []string
	for _, name := range []string{"notation-go", "notation-core-go"} {
		for _, dependency := range info.Deps {
			if dependency.Path == "github.com/notaryproject/"+name {
				parts = append(parts, name+" "+dependency.Version)
			}
		}
	}
	return strings.Join(parts, ", ")
}
