// Reads names, a JSON string a line; answers with their parts, or null.
package main

import (
	"bufio"
	_ "crypto/sha256" // or digests by it are refused
	"encoding/json"
	"fmt"
	"os"

	"github.com/distribution/reference"
)

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 1<<20), 1<<20)
	for in.Scan() {
		var text string
		json.Unmarshal(in.Bytes(), &text)
		ref, err := reference.ParseNormalizedNamed(text)
		if err != nil {
			fmt.Println("null")
			continue
		}
		tag, digest := "", ""
		if t, ok := ref.(reference.Tagged); ok {
			tag = t.Tag()
		}
		if d, ok := ref.(reference.Digested); ok {
			digest = d.Digest().String()
		}
		out, _ := json.Marshal([]string{reference.Domain(ref), reference.Path(ref), tag, digest})
		fmt.Println(string(out))
	}
}
