package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"math/big"
	"os"
	"time"

	"github.com/notaryproject/notation-go"
	"github.com/notaryproject/notation-go/registry"
	"github.com/notaryproject/notation-go/signer"
	"github.com/notaryproject/notation-go/verifier"
	orasregistry "oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote"
)

// maxSignatures is the default of `notation verify --max-signatures`.
const maxSignatures = 100

type target struct {
	repository registry.Repository
	reference  string
}

// open resolves a tag first, as notation does: the libraries want a digest.
func open(ctx context.Context, reference string, plain bool) (target, error) {
	parsed, err := orasregistry.ParseReference(reference)
	if err != nil {
		return target{}, err
	}
	remoteRepository, err := remote.NewRepository(reference)
	if err != nil {
		return target{}, err
	}
	remoteRepository.PlainHTTP = plain
	remoteRepository.SkipReferrersGC = true
	repository := registry.NewRepository(remoteRepository)
	descriptor, err := repository.Resolve(ctx, parsed.Reference)
	if err != nil {
		return target{}, err
	}
	parsed.Reference = descriptor.Digest.String()
	return target{repository: repository, reference: parsed.String()}, nil
}

func plainFlags(name string) (*flag.FlagSet, *bool) {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	plain := flags.Bool("plain-http", false, "the registry speaks http")
	flags.BoolVar(plain, "insecure-registry", false, "the same")
	return flags, plain
}

func one(flags *flag.FlagSet, args []string) (string, error) {
	if err := flags.Parse(args); err != nil {
		return "", err
	}
	if flags.NArg() != 1 {
		return "", fmt.Errorf("%s takes one argument after its flags, not %d", flags.Name(), flags.NArg())
	}
	return flags.Arg(0), nil
}

func verifyReference(ctx context.Context, args []string) error {
	flags, plain := plainFlags("verify")
	reference, err := one(flags, args)
	if err != nil {
		return err
	}
	judging, err := verifier.NewFromConfig()
	if err != nil {
		return err
	}
	at, err := open(ctx, reference, *plain)
	if err != nil {
		return err
	}
	_, outcomes, err := notation.Verify(ctx, judging, at.repository, notation.VerifyOptions{
		ArtifactReference:    at.reference,
		MaxSignatureAttempts: maxSignatures,
	})
	if err != nil {
		return fmt.Errorf("signature verification failed for %s: %w", at.reference, err)
	}
	// Level `audit` reports failures and goes on; notation prints them as warnings.
	for _, outcome := range outcomes {
		for _, result := range outcome.VerificationResults {
			if result.Error != nil {
				fmt.Fprintf(os.Stderr, "Warning: %v was set to %q and failed with error: %v\n", result.Type, result.Action, result.Error)
			}
		}
	}
	fmt.Println("Successfully verified signature for", at.reference)
	return nil
}

var formats = map[string]string{"jws": "application/jose+json", "cose": "application/cose"}

func signReference(ctx context.Context, args []string) error {
	flags, plain := plainFlags("sign")
	format := flags.String("signature-format", "jws", "jws or cose")
	key := flags.String("key", "", "PEM file")
	certificates := flags.String("certificates", "", "PEM file: the chain, leaf first")
	reference, err := one(flags, args)
	if err != nil {
		return err
	}
	mediaType, ok := formats[*format]
	if !ok {
		return fmt.Errorf("signature format %q: jws or cose", *format)
	}
	signing, err := signer.NewFromFiles(*key, *certificates)
	if err != nil {
		return err
	}
	at, err := open(ctx, reference, *plain)
	if err != nil {
		return err
	}
	_, err = notation.Sign(ctx, signing, at.repository, notation.SignOptions{
		SignerSignOptions: notation.SignerSignOptions{SignatureMediaType: mediaType},
		ArtifactReference: at.reference,
	})
	if err != nil {
		return err
	}
	fmt.Println("Successfully signed", at.reference)
	return nil
}

func generateTest(args []string) error {
	flags := flag.NewFlagSet("generate-test", flag.ContinueOnError)
	keyFile := flags.String("key", "", "PEM file to write")
	certificateFile := flags.String("certificates", "", "PEM file to write")
	name, err := one(flags, args)
	if err != nil {
		return err
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject: pkix.Name{
			CommonName: name, Organization: []string{"Notary"}, Country: []string{"US"},
			Province: []string{"WA"}, Locality: []string{"Seattle"},
		},
		NotBefore: now, NotAfter: now.AddDate(0, 0, 1),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
		BasicConstraintsValid: true,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return errors.Join(
		writePem(*keyFile, "PRIVATE KEY", encoded),
		writePem(*certificateFile, "CERTIFICATE", certificate),
	)
}

func writePem(file, kind string, content []byte) error {
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), 0o600)
}
