// Oracle for tests: reads archives as container runtimes do, with Go's archive/tar and compress/gzip and the zstd of containerd.
// One JSON object a line on stdin: {"archive": base64}. One a line on stdout: the members up to the first error, and the error.
package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"
)

type request struct {
	Archive []byte `json:"archive"`
}

type member struct {
	Name []byte `json:"name"`
	Type string `json:"type"`
	Link []byte `json:"link"`
	Size int64  `json:"size"`
	// Of the content; absent where it could not be read to its end, or is longer than anybody wants to wait for.
	Sha256 string `json:"sha256,omitempty"`
}

type answer struct {
	Members []member `json:"members"`
	// Empty where the archive was read to its end.
	Error string `json:"error,omitempty"`
	// What was wrong behind the end of the archive; runtimes read on to there, for the digest.
	Rest string `json:"rest,omitempty"`
}

const maxContent = 16 << 20

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(out)
	for {
		line, err := in.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			var r request
			if err := json.Unmarshal(line, &r); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			if err := encoder.Encode(read(r.Archive)); err != nil {
				os.Exit(1)
			}
			out.Flush()
		}
		if err != nil {
			return
		}
	}
}

// As containerd tells compression: by the first bytes.
func decompress(archive []byte) (io.Reader, error) {
	source := bytes.NewReader(archive)
	switch {
	case bytes.HasPrefix(archive, []byte{0x1f, 0x8b, 0x08}):
		return gzip.NewReader(source)
	case isZstd(archive):
		return zstd.NewReader(source)
	default:
		return source, nil
	}
}

func isZstd(archive []byte) bool {
	if len(archive) < 8 {
		return false
	}
	return bytes.HasPrefix(archive, []byte{0x28, 0xb5, 0x2f, 0xfd}) || (archive[0]&0xf0 == 0x50 && bytes.Equal(archive[1:4], []byte{0x2a, 0x4d, 0x18}))
}

func read(archive []byte) answer {
	result := answer{Members: []member{}}
	stream, err := decompress(archive)
	if err != nil {
		result.Error = err.Error()
		return result
	}
	reader := tar.NewReader(onlyReader{stream})
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			result.Error = err.Error()
			return result
		}
		found := member{Name: []byte(header.Name), Type: string(rune(header.Typeflag)), Link: []byte(header.Linkname), Size: header.Size}
		hash := sha256.New()
		if header.Typeflag == tar.TypeXGlobalHeader {
			result.Members = append(result.Members, found)
			continue
		}
		_, err = io.CopyN(hash, reader, maxContent)
		if err != nil && !errors.Is(err, io.EOF) {
			result.Members = append(result.Members, found)
			result.Error = err.Error()
			return result
		}
		if errors.Is(err, io.EOF) {
			found.Sha256 = hex.EncodeToString(hash.Sum(nil))
		}
		result.Members = append(result.Members, found)
	}
	if _, err := io.Copy(io.Discard, stream); err != nil {
		result.Rest = err.Error()
	}
	return result
}

// Hides Seek: layers come from the network.
type onlyReader struct{ io.Reader }
