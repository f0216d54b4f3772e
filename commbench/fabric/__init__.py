"""Which fabrics a host has, how one of them is selected, and what proves that it carried the bytes."""
