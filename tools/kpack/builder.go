package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/pivotal/kpack/pkg/apis/build/v1alpha2"
	core "github.com/pivotal/kpack/pkg/apis/core/v1alpha1"
	"github.com/pivotal/kpack/pkg/cnb"
	"github.com/pivotal/kpack/pkg/registry"
)

// keychains is Docker's own configuration, where kpack would ask the cluster for secrets.
type keychains struct{}

func (keychains) KeychainForSecretRef(context.Context, registry.SecretRef) (authn.Keychain, error) {
	return authn.DefaultKeychain, nil
}

// builder makes a builder image of a package and pushes it.
//
// It reads the package as a ClusterStore does, the base images as a ClusterStack, the lifecycle as
// a ClusterLifecycle, and makes the builder of a ClusterBuilder whose order has one buildpack.
// What it saw of the package is printed, a JSON object a buildpack.
func builder(arguments [7]string) error {
	source, build, run, programs := arguments[0], arguments[1], arguments[2], arguments[3]
	stackID, buildpackID, name := arguments[4], arguments[5], arguments[6]
	ctx, keychain, client := context.Background(), authn.DefaultKeychain, &registry.Client{}

	buildpacks := cnb.RemoteBuildpackReader{RegistryClient: client}
	read, err := buildpacks.Read(keychain, []core.ImageSource{{Image: source}})
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	lines := json.NewEncoder(os.Stdout)
	for _, each := range read {
		if err := lines.Encode(each); err != nil {
			return err
		}
	}
	store := &v1alpha2.ClusterStore{}
	store.Status.Buildpacks = read

	stack := &v1alpha2.ClusterStack{Spec: v1alpha2.ClusterStackSpec{
		Id:         stackID,
		BuildImage: v1alpha2.ClusterStackSpecImage{Image: build},
		RunImage:   v1alpha2.ClusterStackSpecImage{Image: run},
	}}
	stacks := cnb.RemoteStackReader{RegistryClient: client}
	if stack.Status.ResolvedClusterStack, err = stacks.Read(keychain, stack.Spec); err != nil {
		return fmt.Errorf("stack: %w", err)
	}

	lifecycle := &v1alpha2.ClusterLifecycle{}
	lifecycle.Spec.Image = programs
	lifecycles := cnb.RemoteLifecycleReader{RegistryClient: client}
	lifecycle.Status.ResolvedClusterLifecycle, err = lifecycles.Read(keychain, lifecycle.Spec)
	if err != nil {
		return fmt.Errorf("lifecycle: %w", err)
	}

	entry := v1alpha2.BuilderBuildpackRef{}
	entry.Id = buildpackID
	spec := v1alpha2.BuilderSpec{
		Order: []v1alpha2.BuilderOrderEntry{{Group: []v1alpha2.BuilderBuildpackRef{entry}}},
	}
	creator := cnb.RemoteBuilderCreator{RegistryClient: client, KpackVersion: "test"}
	fetcher := cnb.NewRemoteBuildpackFetcher(keychains{}, store, nil, nil)
	_, err = creator.CreateBuilder(
		ctx, keychain, keychain, keychain, fetcher, stack, lifecycle, spec, nil, name,
	)
	if err != nil {
		return fmt.Errorf("builder: %w", err)
	}
	return nil
}
