package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/notaryproject/notation-go/verifier/trustpolicy"
	"github.com/opencontainers/go-digest"
)

// bulk answers line by line, so that it can be kept running and asked.
func bulk(ctx context.Context, in io.Reader, out io.Writer) error {
	judge, err := newJudge()
	if err != nil {
		return err
	}
	defer judge.close()
	decoder := json.NewDecoder(in)
	decoder.DisallowUnknownFields()
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for number := 1; ; number++ {
		var q question
		if err := decoder.Decode(&q); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("question %d: %w", number, err)
		}
		verdict, err := judge.verdict(ctx, q)
		if err != nil {
			return fmt.Errorf("question %d: %w", number, err)
		}
		if err := encoder.Encode(verdict); err != nil {
			return err
		}
	}
}

type texts []string

func (t *texts) String() string { return strings.Join(*t, ", ") }

func (t *texts) Set(value string) error {
	*t = append(*t, value)
	return nil
}

func envelope(ctx context.Context, args []string) (int, error) {
	flags := flag.NewFlagSet("envelope", flag.ContinueOnError)
	var q question
	var files, identities texts
	file := flags.String("file", "", "the signature envelope")
	flags.StringVar(&q.EnvelopeMediaType, "envelope-media-type", "", "of the envelope")
	flags.StringVar(&q.Descriptor.MediaType, "media-type", "", "of what was signed")
	wanted := flags.String("digest", "", "of what was signed")
	flags.Int64Var(&q.Descriptor.Size, "size", 0, "of what was signed")
	flags.Var(&files, "ca", "certificate of the trust store, PEM or DER")
	flags.Var(&identities, "identity", "trusted identity")
	flags.StringVar(&q.Level, "level", "strict", "level of the trust policy")
	skip := flags.Bool("skip-revocation", false, "override: revocation: skip")
	if err := flags.Parse(args); err != nil {
		return 2, err
	}
	bytes, err := os.ReadFile(*file)
	if err != nil {
		return 2, err
	}
	q.Envelope, q.Descriptor.Digest, q.TrustedIdentities = bytes, digest.Digest(*wanted), identities
	for _, name := range files {
		certificate, err := os.ReadFile(name)
		if err != nil {
			return 2, err
		}
		q.CA = append(q.CA, string(certificate))
	}
	if *skip {
		q.Override = map[trustpolicy.ValidationType]trustpolicy.ValidationAction{
			trustpolicy.TypeRevocation: trustpolicy.ActionSkip,
		}
	}
	judge, err := newJudge()
	if err != nil {
		return 2, err
	}
	defer judge.close()
	verdict, err := judge.verdict(ctx, q)
	if err != nil {
		return 2, err
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(verdict); err != nil {
		return 2, err
	}
	if verdict.Verified {
		return 0, nil
	}
	return 1, nil
}
