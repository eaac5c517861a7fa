"""What a deployment needs beside the package: images, templates, manifests, and programs that check them."""
