package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"github.com/notaryproject/notation-go"
	"github.com/notaryproject/notation-go/dir"
	"github.com/notaryproject/notation-go/plugin"
	"github.com/notaryproject/notation-go/verifier"
	"github.com/notaryproject/notation-go/verifier/trustpolicy"
	"github.com/notaryproject/notation-go/verifier/truststore"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

type question struct {
	ID                string                                                      `json:"id"`
	Envelope          []byte                                                      `json:"envelope"`
	EnvelopeMediaType string                                                      `json:"envelopeMediaType"`
	Descriptor        ocispec.Descriptor                                          `json:"descriptor"`
	CA                []string                                                    `json:"ca"`
	TrustedIdentities []string                                                    `json:"trustedIdentities"`
	Level             string                                                      `json:"level"`
	Override          map[trustpolicy.ValidationType]trustpolicy.ValidationAction `json:"override"`
}

type answer struct {
	ID       string   `json:"id"`
	Verified bool     `json:"verified"`
	Stage    string   `json:"stage,omitempty"`
	Error    string   `json:"error,omitempty"`
	Results  []result `json:"results,omitempty"`
	Version  string   `json:"version"`
}

type result struct {
	Type   trustpolicy.ValidationType   `json:"type"`
	Action trustpolicy.ValidationAction `json:"action"`
	Error  string                       `json:"error,omitempty"`
}

// judge keeps one trust store folder for each set of CA certificates.
type judge struct {
	folder string
	stores map[string]dir.SysFS
}

func newJudge() (*judge, error) {
	folder, err := os.MkdirTemp("", "oracle-notation-")
	return &judge{folder: folder, stores: map[string]dir.SysFS{}}, err
}

func (j *judge) close() { os.RemoveAll(j.folder) }

// verdict is that of notation-go; an error means that the question could not be put.
func (j *judge) verdict(ctx context.Context, q question) (answer, error) {
	store, err := j.store(q.CA)
	if err != nil {
		return answer{}, err
	}
	out := answer{ID: q.ID, Version: version()}
	level := q.Level
	if level == "" {
		level = "strict"
	}
	policy := &trustpolicy.Document{
		Version: "1.0",
		TrustPolicies: []trustpolicy.TrustPolicy{{
			Name:                  "oracle",
			RegistryScopes:        []string{"*"},
			SignatureVerification: trustpolicy.SignatureVerification{VerificationLevel: level, Override: q.Override},
			TrustStores:           []string{"ca:oracle"},
			TrustedIdentities:     q.TrustedIdentities,
		}},
	}
	plugins := plugin.NewCLIManager(dir.NewSysFS(filepath.Join(j.folder, "no-plugins")))
	judging, err := verifier.New(policy, truststore.NewX509TrustStore(store), plugins)
	if err != nil {
		out.Stage, out.Error = "policy", err.Error()
		return out, nil
	}
	mediaType := q.EnvelopeMediaType
	if mediaType == "" {
		mediaType = "application/jose+json"
	}
	outcome, err := verify(ctx, judging, q, mediaType)
	if outcome != nil {
		for _, one := range outcome.VerificationResults {
			text := ""
			if one.Error != nil {
				text = one.Error.Error()
			}
			out.Results = append(out.Results, result{Type: one.Type, Action: one.Action, Error: text})
		}
	}
	if err != nil {
		out.Stage, out.Error = "signature", err.Error()
		return out, nil
	}
	out.Verified = true
	return out, nil
}

// verify takes a panic of the library for a refusal: whoever runs it would not get a yes either.
func verify(ctx context.Context, judging notation.Verifier, q question, mediaType string) (outcome *notation.VerificationOutcome, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			outcome, err = nil, fmt.Errorf("panic: %v", reason)
		}
	}()
	return judging.Verify(ctx, q.Descriptor, q.Envelope, notation.VerifierVerifyOptions{
		ArtifactReference:  "oracle.invalid/image@" + q.Descriptor.Digest.String(),
		SignatureMediaType: mediaType,
	})
}

func (j *judge) store(certificates []string) (dir.SysFS, error) {
	hash := sha256.New()
	for _, one := range certificates {
		fmt.Fprintf(hash, "%d:%s", len(one), one)
	}
	key := hex.EncodeToString(hash.Sum(nil))
	if known, ok := j.stores[key]; ok {
		return known, nil
	}
	root := filepath.Join(j.folder, key)
	folder := filepath.Join(root, filepath.FromSlash(dir.X509TrustStoreDir("ca", "oracle")))
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	for number, one := range certificates {
		file := filepath.Join(folder, fmt.Sprintf("%d.pem", number))
		if err := os.WriteFile(file, []byte(one), 0o600); err != nil {
			return nil, err
		}
	}
	j.stores[key] = dir.NewSysFS(root)
	return j.stores[key], nil
}
